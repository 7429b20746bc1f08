import {
  ConfigurableModuleBuilder,
  Controller,
  Delete,
  Get,
  HttpException,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Param,
  Post,
  Query,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import type { CanActivate, ExecutionContext, OnApplicationShutdown } from '@nestjs/common';
import { showsToken } from '@tenfold/service';
import { JobsError } from '../jobs.error.ts';
import { DeadLetters } from './dead-letters.ts';
import type { DeadLetter, DeadLettersOptions } from './dead-letters.ts';

export interface DeadLetterRoutesOptions extends DeadLettersOptions {
  /** Who may look after dead letters; nobody without one. */
  token: string | undefined;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<DeadLetterRoutesOptions>().build();

/** Payloads hold what customers entrusted, and a replay has effects: both are for whoever shows the token. */
@Injectable()
class TokenGuard implements CanActivate {
  readonly #token: string | undefined;

  constructor(@Inject(MODULE_OPTIONS_TOKEN) { token }: DeadLetterRoutesOptions) {
    this.#token = token;
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.#token === undefined) throw new NotFoundException();
    const { headers } = context.switchToHttp().getRequest<{ headers: { authorization?: string } }>();
    if (showsToken(headers.authorization, this.#token)) return true;
    throw new UnauthorizedException('Dead letters need the token of DIAGNOSTICS_TOKEN: authorization: Bearer …');
  }
}

/** The dead letters of a service on its operations port. */
@Controller('jobs/dead-letters')
@UseGuards(TokenGuard)
class DeadLettersController implements OnApplicationShutdown {
  readonly #letters: DeadLetters;

  constructor(@Inject(MODULE_OPTIONS_TOKEN) options: DeadLetterRoutesOptions) {
    this.#letters = new DeadLetters(options);
  }

  @Get()
  async list(@Query('state') state?: string): Promise<{ items: DeadLetter[] }> {
    const states = ['dead', 'replayed', 'discarded', 'all'] as const;
    const known = states.find((candidate) => candidate === (state ?? 'dead'));
    if (!known) throw new HttpException(`state is one of ${states.join(', ')}`, 400);
    return { items: await orRefuse(this.#letters.list(known)) };
  }

  @Get(':id')
  show(@Param('id') id: string): Promise<DeadLetter> {
    return orRefuse(this.#letters.find(id));
  }

  @Post(':id/replay')
  async replay(@Param('id') id: string): Promise<DeadLetter | undefined> {
    return (await orRefuse(this.#letters.replay([id])))[0];
  }

  @Delete(':id')
  async discard(@Param('id') id: string): Promise<DeadLetter | undefined> {
    return (await orRefuse(this.#letters.discard([id])))[0];
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#letters.close();
  }
}

/** For the `operations` of `runService`: list, show, replay and discard dead letters. */
@Module({ controllers: [DeadLettersController] })
export class DeadLettersModule extends ConfigurableModuleClass {}

async function orRefuse<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof JobsError && error.code === 'unknown-dead-letter') throw new HttpException(error.message, 404, { cause: error });
    throw new HttpException('Kafka does not answer', 503, { cause: error });
  }
}
