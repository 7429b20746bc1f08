import type { OnApplicationShutdown } from '@nestjs/common';
import { createTransport } from 'nodemailer';

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** Local part of the Message-ID: the same for a mail that is sent again, so that receivers can tell. */
  id: string;
}

/** Sends mail over a few connections that are kept open. */
export class Mailer implements OnApplicationShutdown {
  readonly #transport;

  constructor(smtpUrl: string) {
    this.#transport = createTransport({
      url: smtpUrl,
      pool: true,
      maxConnections: 4,
      maxMessages: 1000,
      connectionTimeout: 2000,
      greetingTimeout: 2000,
      socketTimeout: 5000,
    });
  }

  /** Resolves when the server has taken the mail. @throws Error when it has not, or nobody knows */
  async send({ id, ...mail }: Mail): Promise<void> {
    await this.#transport.sendMail({ ...mail, from: 'Tenfold shop <shop@tenfold.test>', messageId: `<${id}@tenfold.test>` });
  }

  onApplicationShutdown(): void {
    this.#transport.close();
  }
}
