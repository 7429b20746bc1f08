import type { Readable } from 'node:stream';
import { Body, Controller, Delete, Get, Headers, HttpCode, Put, StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { SessionAccount } from '@tenfold/session';
import { Documented } from '../openapi/documented.decorator.ts';
import { CurrentAccount } from '../sessions/current-session.ts';
import { largestPicture, noPicture, PictureFiles, tooLarge } from './picture.files.ts';
import { pictureTypes } from './picture.type.ts';

@Controller('v1/account/picture')
export class PictureController {
  constructor(private readonly pictures: PictureFiles) {}

  @Put()
  @HttpCode(204)
  @RouteConfig({ bodyTypes: pictureTypes })
  @Documented({
    summary: "Replace one's picture",
    description: `The body is the file itself, at most ${largestPicture} bytes.`,
    requestTypes: pictureTypes,
    answers: { 204: null },
    problems: ['invalid-request'],
  })
  async replace(@CurrentAccount() account: SessionAccount, @Headers('content-length') length: string | undefined, @Body() content: Readable | undefined): Promise<void> {
    if (Number(length) > largestPicture) throw tooLarge();
    // Without a type, and so without a parser, there is no body.
    if (!content) throw noPicture();
    await this.pictures.replace(account.id, content);
  }

  @Get()
  @Documented({ summary: "Get one's picture", answers: { 200: 'image/*' }, problems: ['not-found'] })
  async show(@CurrentAccount() account: SessionAccount): Promise<StreamableFile> {
    const { content, type, length } = await this.pictures.open(account.id);
    return new StreamableFile(content, { type, length });
  }

  @Delete()
  @HttpCode(204)
  @Documented({ summary: "Remove one's picture", answers: { 204: null } })
  async remove(@CurrentAccount() account: SessionAccount): Promise<void> {
    await this.pictures.remove(account.id);
  }
}
