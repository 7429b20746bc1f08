import { BadRequestException, Body, ConflictException, Controller, Header, Headers, HttpCode, Inject, Logger, Post, Res, ServiceUnavailableException, UnauthorizedException } from '@nestjs/common';
import { ProfileError, profileKinds, takeProfile } from '@tenfold/telemetry';
import type { Profile } from '@tenfold/telemetry';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { showsToken } from './bearer.token.ts';
import { Health } from './health.registry.ts';
import { SERVICE_INFO } from './operations.controller.ts';
import type { ServiceInfo } from './operations.controller.ts';

export const PROFILE_TOKEN = Symbol('profile token');

const profileRequest = z.strictObject({
  kind: z.enum(profileKinds).default('cpu'),
  seconds: z.number().min(0.1).max(300).default(20),
});

/**
 * Takes profiles for whoever shows the token. Part of the operations port only where there is a token: a profile slows
 * the process a little, and names its code.
 */
@Controller('profile')
export class ProfileController {
  private readonly logger = new Logger('Profile');

  constructor(
    private readonly health: Health,
    @Inject(SERVICE_INFO) private readonly service: ServiceInfo,
    @Inject(PROFILE_TOKEN) private readonly token: string,
  ) {}

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async take(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Profile & { service: ServiceInfo }> {
    if (!showsToken(authorization, this.token)) {
      reply.header('www-authenticate', 'Bearer');
      throw new UnauthorizedException('A profile needs the token of PROFILE_TOKEN: authorization: Bearer …');
    }
    const request = profileRequest.safeParse(body ?? {});
    if (!request.success) throw new BadRequestException(z.prettifyError(request.error));
    // A profile is longer than a connection may be silent.
    reply.raw.setTimeout(0);
    const { kind, seconds } = request.data;
    this.logger.log({ msg: 'profile', kind, seconds });
    try {
      const profile = await takeProfile({ kind, seconds, signal: AbortSignal.any([this.health.stopping, whenGone(reply)]) });
      return { service: this.service, ...profile };
    } catch (error) {
      if (!(error instanceof ProfileError)) throw error;
      throw error.code === 'in-progress' ? new ConflictException(error.message) : new ServiceUnavailableException(error.message);
    }
  }
}

/** Aborts when the client has left before its answer. */
function whenGone({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return gone.signal;
}
