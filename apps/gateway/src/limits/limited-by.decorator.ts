import { Reflector } from '@nestjs/core';

/** Which limit counts a changing request: `changes`, by account, or `log-in`, stricter and always by address. */
export type LimitName = 'changes' | 'log-in';

/** Puts a route under another limit than `changes`. Routes that only read are not counted. */
export const LimitedBy = Reflector.createDecorator<LimitName>();
