import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { encodeBinaryFrame, FrameType, protocolVersion } from './frame.codec.ts';
import type { FrameBytes } from './frame.codec.ts';

// Each side proves that it knows the secret by a keyed hash over both sides' random numbers, so that nothing secret
// and nothing that can be used again crosses the wire (challenge and response, as in RFC 2195).
//   server → client  hello:   "TNFD", version (2 bytes), server's random number (32)
//   client → server  proof:   version (2), client's random number (32), hash (32), name of the service it wants
//   server → client  welcome: hash (32)     or  refused: reason (1)

const magic = Buffer.from('TNFD');
const nonceBytes = 32;
const hashBytes = 32;
const helloBytes = magic.length + 2 + nonceBytes;
const proofHeadBytes = 2 + nonceBytes + hashBytes;

/** Handshake frames are shorter than this; a longer one ends the connection. */
export const maxHandshakeFrameBytes = 512;

/** Milliseconds a handshake may take. */
export const handshakeTimeoutMs = 5000;

const refusals = ['wrong secret', 'another service', 'another protocol version'] as const;
type HandshakeRefusal = (typeof refusals)[number];

/** The two sides do not fit together; trying again will not help until one of them is changed. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError';
}

interface Side {
  service: string;
  secret: string;
}

/** The server's part, for one connection. */
export class ServerHandshake {
  readonly #nonce = randomBytes(nonceBytes);

  constructor(private readonly side: Side) {}

  hello(): FrameBytes {
    return encodeBinaryFrame(FrameType.Hello, 0, magic, versionBytes(), this.#nonce);
  }

  /** What to answer to a proof, and whether the client is let in. */
  check(proof: Buffer): { accepted: boolean; answer: FrameBytes } {
    if (proof.length < proofHeadBytes || proof.readUInt16BE(0) !== protocolVersion) {
      return refuse('another protocol version');
    }
    const clientNonce = proof.subarray(2, 2 + nonceBytes);
    const hash = proof.subarray(2 + nonceBytes, proofHeadBytes);
    const service = proof.toString('utf8', proofHeadBytes);
    const expected = prove('client', { service, secret: this.side.secret }, this.#nonce, clientNonce);
    if (!timingSafeEqual(hash, expected)) return refuse('wrong secret');
    if (service !== this.side.service) return refuse('another service');
    const welcome = prove('server', this.side, this.#nonce, clientNonce);
    return { accepted: true, answer: encodeBinaryFrame(FrameType.Welcome, 0, welcome) };
  }
}

/** The client's part, for one connection. */
export class ClientHandshake {
  readonly #nonce = randomBytes(nonceBytes);
  #serverNonce: Buffer | undefined;

  constructor(private readonly side: Side) {}

  /**
   * The proof that answers a hello.
   *
   * @throws HandshakeError when the server speaks another version, or something else altogether
   */
  prove(hello: Buffer): FrameBytes {
    if (hello.length < helloBytes || !hello.subarray(0, magic.length).equals(magic)) {
      throw new HandshakeError('the peer does not speak this protocol');
    }
    const version = hello.readUInt16BE(magic.length);
    if (version !== protocolVersion) throw new HandshakeError(`the peer speaks version ${version}, not ${protocolVersion}`);
    this.#serverNonce = Buffer.from(hello.subarray(magic.length + 2, helloBytes));
    const hash = prove('client', this.side, this.#serverNonce, this.#nonce);
    return encodeBinaryFrame(FrameType.Proof, 0, versionBytes(), this.#nonce, hash, Buffer.from(this.side.service));
  }

  /** @throws HandshakeError when the server does not know the secret */
  checkWelcome(welcome: Buffer): void {
    const expected = this.#serverNonce && prove('server', this.side, this.#serverNonce, this.#nonce);
    if (!expected || welcome.length !== hashBytes || !timingSafeEqual(welcome, expected)) {
      throw new HandshakeError('the peer does not know the secret');
    }
  }

  /** What a refusal means. */
  refusal(body: Buffer): HandshakeError {
    return new HandshakeError(`refused by the peer: ${refusals[body[0] ?? -1] ?? 'unknown reason'}`);
  }
}

function refuse(reason: HandshakeRefusal): { accepted: boolean; answer: FrameBytes } {
  const answer = encodeBinaryFrame(FrameType.Refused, 0, Buffer.of(refusals.indexOf(reason)));
  return { accepted: false, answer };
}

function prove(role: 'client' | 'server', side: Side, serverNonce: Buffer, clientNonce: Buffer): Buffer {
  return createHmac('sha256', side.secret)
    .update(`tenfold calls ${protocolVersion} ${role} ${side.service} `)
    .update(serverNonce)
    .update(clientNonce)
    .digest();
}

function versionBytes(): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(protocolVersion);
  return bytes;
}
