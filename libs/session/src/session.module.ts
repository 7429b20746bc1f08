import { Module } from '@nestjs/common';
import { ConfigurableModuleClass } from './session.module-definition.ts';
import { SessionStore } from './session.store.ts';

/** Provides {@link SessionStore}, everywhere unless `isGlobal: false`. */
@Module({ providers: [SessionStore], exports: [SessionStore] })
export class SessionModule extends ConfigurableModuleClass {}
