import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { address } from './ports.ts';

/** An SMTP server for tests that count mails: of each it keeps no more than its Message-ID, so that it takes any number. */
export interface MailSink {
  /** For `SMTP_URL`. */
  readonly url: string;
  /** Message-ID, without its angle brackets → how often a mail under it was taken. */
  readonly copies: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Listens on a free port. */
export async function startMailSink(): Promise<MailSink> {
  const copies = new Map<string, number>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    serve(socket, (messageId) => copies.set(messageId, (copies.get(messageId) ?? 0) + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `smtp://${address}:${port}`,
    copies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** As much of RFC 5321 as a client without extensions asks for; a mail is counted before it is said to be taken. */
function serve(socket: Socket, take: (messageId: string) => void): void {
  const say = (reply: string) => socket.write(`${reply}\r\n`);
  let inMail = false;
  let messageId = '';
  let header = '';
  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'QUIT') return void socket.end('221 bye\r\n');
    inMail = verb === 'DATA';
    messageId = header = '';
    say(inMail ? '354 go on' : '250 ok');
  };
  const text = (line: string): void => {
    if (line !== '.') {
      // A long header goes on in lines that begin with a space (RFC 5322, 2.2.3): a Message-ID of 76 characters does.
      header = /^[ \t]/.test(line) ? header + line : line;
      messageId ||= /^message-id:\s*<(.+)>/i.exec(header)?.[1] ?? '';
      return;
    }
    inMail = false;
    take(messageId);
    say('250 taken');
  };
  // It tells again of the errors of its socket: a client that was killed.
  createInterface({ input: socket })
    .on('line', (line) => (inMail ? text(line) : command(line)))
    .on('error', () => {});
  say('220 sink');
}
