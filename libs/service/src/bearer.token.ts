import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header shows the token, found out in a time that says nothing about where they differ. */
export function showsToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`));
}
