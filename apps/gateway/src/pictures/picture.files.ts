import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { ObjectStore } from '../object-store.ts';
import { Problem } from '../problems/problem.ts';
import { pictureTypeOf, signatureLength } from './picture.type.ts';
import type { PictureType } from './picture.type.ts';

/** Bytes of the largest picture: a photo that a phone has scaled for the web stays well below. */
export const largestPicture = 1_048_576;

export interface Picture {
  content: Readable;
  type: PictureType;
  length: number;
}

/** One picture for each account, in the object store. */
@Injectable()
export class PictureFiles {
  constructor(private readonly store: ObjectStore) {}

  /**
   * Replaces an account's picture while it arrives: no more of it than a chunk is ever in memory. The old one stays until
   * the new one is whole.
   *
   * @throws Problem `body-too-large`; `invalid-request` for what is no picture. The rest of the content is left unread.
   */
  async replace(accountId: string, content: Readable): Promise<void> {
    const arriving = `${keyOf(accountId)}.${randomUUID()}`;
    try {
      await this.store.putStream(arriving, Readable.from(checked(content), { objectMode: false }));
      await this.store.move(arriving, keyOf(accountId));
    } catch (error) {
      // What stays behind is in nobody's way.
      await this.store.delete(arriving).catch(() => undefined);
      throw problemIn(error) ?? error;
    }
  }

  /** @throws Problem `not-found` */
  async open(accountId: string): Promise<Picture> {
    const key = keyOf(accountId);
    if (!(await this.store.exists(key))) throw new Problem('not-found', 'This account has no picture.');
    const [{ contentLength }, content] = await Promise.all([this.store.getMetaData(key), this.store.getStream(key)]);
    await once(content, 'readable');
    const head = content.read(signatureLength) as Buffer | null;
    const type = head && pictureTypeOf(head);
    if (!head || !type) throw new Error(`${key} in the object store is no picture`);
    content.unshift(head);
    return { content, type, length: contentLength };
  }

  /** Whether there was one or not. */
  async remove(accountId: string): Promise<void> {
    await this.store.delete(keyOf(accountId));
  }
}

function keyOf(accountId: string): string {
  return `pictures/${accountId}`;
}

async function* checked(content: Readable): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  let length = 0;
  // Destroyed, the stream of a request would take the connection along, and the answer with it.
  for await (const chunk of content.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > largestPicture) throw tooLarge();
    if (!head) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < signatureLength) continue;
    if (!pictureTypeOf(head)) throw noPicture();
    yield head;
    head = undefined;
  }
  if (head) throw noPicture();
}

export function tooLarge(): Problem {
  return new Problem('body-too-large', `A picture has at most ${largestPicture} bytes.`);
}

export function noPicture(): Problem {
  return new Problem('invalid-request', 'The body is no PNG, JPEG or WebP.');
}

/** The object store wraps what the content itself threw. */
function problemIn(error: unknown): Problem | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Problem) return cause;
  return undefined;
}
