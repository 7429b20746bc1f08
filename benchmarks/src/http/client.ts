import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface Questions {
  requests: number;
  connections: number;
  expectedBody: string;
  /** Sent with each request. */
  cookie?: string;
}

/**
 * Asks over kept-alive connections, one request at a time on each, with less work than any server: it is not what is
 * measured. The answers must have a content-length.
 *
 * @returns how many answers were as expected: status 200, that body
 * @throws Error for an answer that is not as expected: sides that all fail alike would compare well
 */
export async function ask(port: number, path: string, { requests, connections, expectedBody, cookie }: Questions): Promise<number> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${cookie === undefined ? '' : `cookie: ${cookie}\r\n`}\r\n`);
  let answered = 0;
  let unasked = requests;
  const askOverOne = async () => {
    const socket = await open(port);
    while (unasked > 0) {
      unasked -= 1;
      socket.write(request);
      const answer = await answerOf(socket);
      if (!isRight(answer, expectedBody)) throw new Error(`A wrong answer of port ${port}:\n${answer.slice(0, 1000)}`);
      answered += 1;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: Math.min(connections, requests) }, askOverOne));
  return answered;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.off('error', reject)));
    socket.setNoDelay(true).setEncoding('latin1').once('error', reject);
  });
}

/** Head and body of one answer; latin1, so that a character is a byte. */
function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const closed = () => reject(new Error('The server closed the connection.'));
    const read = (part: string) => {
      text += part;
      const bodyAt = text.indexOf('\r\n\r\n') + 4;
      const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1]);
      if (bodyAt < 4 || text.length < bodyAt + length) return;
      socket.off('data', read).off('close', closed);
      resolve(text);
    };
    socket.on('data', read).once('close', closed);
  });
}

function isRight(answer: string, body: string): boolean {
  return answer.startsWith('HTTP/1.1 200 ') && answer.endsWith(`\r\n\r\n${body}`);
}
