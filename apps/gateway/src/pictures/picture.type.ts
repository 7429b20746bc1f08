/** As many leading bytes as tell every type. */
export const signatureLength = 12;

/** Types of pictures that are taken. */
export const pictureTypes = ['image/png', 'image/jpeg', 'image/webp'] as const;
export type PictureType = (typeof pictureTypes)[number];

/**
 * What a file is by its first {@link signatureLength} bytes, whatever its sender calls it (WHATWG MIME Sniffing,
 * section 6.1); undefined for anything else.
 */
export function pictureTypeOf(head: Buffer): PictureType | undefined {
  if (head.subarray(0, 8).toString('latin1') === '\u0089PNG\r\n\u001A\n') return 'image/png';
  if (head.subarray(0, 3).toString('hex') === 'ffd8ff') return 'image/jpeg';
  const isRiff = head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 12).toString('latin1') === 'WEBP';
  return isRiff ? 'image/webp' : undefined;
}
