import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { Logger } from '@nestjs/common';

/** As cert-manager and Kubernetes' TLS secrets name them. */
const files = { cert: 'tls.crt', key: 'tls.key', ca: 'ca.crt' } as const;

const lookEveryMs = 1000;

/** What both sides show and believe, for `createSecureContext`. */
export interface Certificates {
  cert: Buffer;
  key: Buffer;
  /** Nobody else's signature counts. */
  ca: Buffer;
  minVersion: 'TLSv1.3';
}

/** The certificates in a directory, read again within a second of a change; new connections then use the new ones. */
export class CertificateDirectory {
  readonly #logger = new Logger('Calls');
  readonly #timer: NodeJS.Timeout;
  #certificates: Certificates;
  #version: string;

  /**
   * @param onChange called with those that have taken the place of the ones before
   * @throws Error when one cannot be read, or key and certificate do not belong together
   */
  constructor(
    private readonly directory: string,
    private readonly onChange: (certificates: Certificates) => void = () => {},
  ) {
    try {
      this.#version = this.#look();
      this.#certificates = this.#read();
    } catch (cause) {
      const names = Object.values(files).join(', ');
      throw new Error(`Calls: ${directory} must hold ${names} of this service: ${String((cause as Error).message)}`, { cause });
    }
    this.#timer = setInterval(() => this.#follow(), lookEveryMs).unref();
  }

  get certificates(): Certificates {
    return this.#certificates;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #follow(): void {
    try {
      const version = this.#look();
      if (version === this.#version) return;
      // Files that are changed one by one fit together only when the last has been: until then the old ones stay.
      this.#certificates = this.#read();
      this.#version = version;
    } catch (error) {
      this.#logger.warn({ msg: 'certificates cannot be read; those read before stay in use', directory: this.directory, reason: String(error) });
      return;
    }
    this.#logger.log({ msg: 'certificates were read again', directory: this.directory });
    this.onChange(this.#certificates);
  }

  #look(): string {
    return Object.values(files)
      .map((file) => {
        const { mtimeMs, size, ino } = statSync(join(this.directory, file));
        return `${mtimeMs} ${size} ${ino}`;
      })
      .join();
  }

  #read(): Certificates {
    const read = (file: string) => readFileSync(join(this.directory, file));
    const certificates: Certificates = { cert: read(files.cert), key: read(files.key), ca: read(files.ca), minVersion: 'TLSv1.3' };
    createSecureContext(certificates);
    return certificates;
  }
}
