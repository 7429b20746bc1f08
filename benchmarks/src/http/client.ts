import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface Questions {
  requests: number;
  connections: number;
  expectedBody: string;
  /** Sent with each request. */
  cookie?: string;
}

export interface Answers {
  /** How many were exactly as expected: status 200, that body. */
  right: number;
  wrong: number;
}

/**
 * Asks over kept-alive connections, one request at a time on each, with less work than any server: it is not what is
 * measured. The answers must have a content-length.
 */
export async function ask(port: number, path: string, { requests, connections, expectedBody, cookie }: Questions): Promise<Answers> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${cookie === undefined ? '' : `cookie: ${cookie}\r\n`}\r\n`);
  const answers: Answers = { right: 0, wrong: 0 };
  let unasked = requests;
  const askOverOne = async () => {
    const socket = await open(port);
    while (unasked > 0) {
      unasked -= 1;
      socket.write(request);
      answers[isRight(await answerOf(socket), expectedBody) ? 'right' : 'wrong'] += 1;
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: Math.min(connections, requests) }, askOverOne));
  return answers;
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
