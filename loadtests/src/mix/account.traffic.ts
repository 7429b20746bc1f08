import type { Traffic } from './traffic.ts';

/** Who looks whether the session still holds. */
export const sessionTraffic: Traffic = {
  share: 2.7,
  targets: {},
  open: () => (_random, customer) => customer.request('GET /v1/session', 'GET', '/v1/session', { expected: 200 }),
};

/** Bytes of the pictures that are uploaded, and their shares. */
const pictureSizes = [
  { upTo: 0.6, bytes: 20_000 },
  { upTo: 0.85, bytes: 80_000 },
  { upTo: 0.95, bytes: 250_000 },
  { upTo: 1, bytes: 900_000 },
] as const;

/** Uploads a picture, or asks for the one that was taken. */
export const pictureTraffic: Traffic = {
  share: 1,
  targets: {},
  open: () => (random, customer) => {
    if (customer.hasPicture && random() < 0.5) {
      return customer.request('GET /v1/account/picture', 'GET', '/v1/account/picture', { expected: 200 });
    }
    const draw = random();
    const { bytes } = pictureSizes.find(({ upTo }) => draw < upTo) ?? pictureSizes[0];
    return customer.request('PUT /v1/account/picture', 'PUT', '/v1/account/picture', {
      expected: 204,
      headers: { 'content-type': 'image/webp' },
      // Of all types, WebP alone begins with bytes that a string can hold: every client can send it.
      body: `RIFF----WEBP${'-'.repeat(bytes - 12)}`,
      onRight: () => (customer.hasPicture = true),
    });
  },
};
