import { Reflector } from '@nestjs/core';
import type { z } from 'zod';
import type { ProblemType } from '../problems/problem-types.ts';

export interface Documentation {
  summary: string;
  description?: string;
  /** Name → what to send in it; each is required. */
  requestHeaders?: Readonly<Record<string, string>>;
  /** Media types of a body that is a file rather than JSON. */
  requestTypes?: readonly string[];
  /** Status → schema of the JSON body, or another media type, or null for no body. */
  answers: Readonly<Record<number, z.ZodType | string | null>>;
  /** Problems of this route alone; those that follow from its inputs, its limit and who may use it are added. */
  problems?: readonly ProblemType[];
}

/** What `/openapi.json` tells about a route beyond its inputs. Plain data: the document is only made when asked for. */
export const Documented = Reflector.createDecorator<Documentation>();
