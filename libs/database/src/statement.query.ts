import { Query } from 'pg';
import type { BindConfig, Connection, FieldDef } from 'pg';
import utils from 'pg/lib/utils.js';
import type { Statement } from './statement.ts';

/** Of pg's Query, what its types leave out. */
interface Inherited {
  name?: string;
  values: readonly SentValue[];
  hasBeenParsed(connection: Connection): boolean;
  prepare(connection: Connection): void;
}
const inherited = Query.prototype as unknown as Inherited;

/** Of pg's connection, in the same way. */
interface Messages {
  parse(message: { text: string }): void;
  bind(message: BindConfig): void;
  execute(message: object): void;
  sync(): void;
}

/** A parameter as it is sent. */
export type SentValue = ReturnType<typeof utils.prepareValue>;

/** @throws Error for parameters that cannot be sent, such as an object that holds itself */
export function sentValues(parameters: readonly unknown[]): SentValue[] {
  return parameters.map((value) => utils.prepareValue(value));
}

/** Takes the rows; with an error there are none. */
export type Answered<Row> = (error: Error | undefined, rows: Row[]) => void;

/**
 * A hot read on its way, given to a client's `query`. Its rows are made as they arrive, without pg's result, events and
 * promise, and once its columns are known the server is not asked for them again.
 */
export class StatementQuery<Row> extends Query {
  readonly #statement: Statement<Row>;
  readonly #answered: Answered<Row>;
  readonly #rows: Row[] = [];
  #failure: Error | undefined;

  /** @param prepared whether the server keeps it, planned, under its name */
  constructor(statement: Statement<Row>, values: readonly SentValue[], prepared: boolean, answered: Answered<Row>) {
    super(statement.text);
    const query = this as unknown as Inherited;
    query.values = values;
    if (prepared) query.name = statement.name;
    this.#statement = statement;
    this.#answered = answered;
  }

  /** Without parameters, too: a simple query would be described each time. */
  requiresPreparation(): boolean {
    return true;
  }

  prepare(connection: Connection): void {
    const { name, values } = this as unknown as Inherited;
    const isParsed = inherited.hasBeenParsed.call(this, connection);
    if (!this.#statement.isDescribed || (name !== undefined && !isParsed)) {
      inherited.prepare.call(this, connection);
      return;
    }
    const messages = connection as unknown as Messages;
    if (!isParsed) messages.parse({ text: this.#statement.text });
    messages.bind({ statement: name, values: values as string[] });
    messages.execute({});
    messages.sync();
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    try {
      this.#statement.describe(fields);
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#failure) return;
    try {
      this.#rows.push(this.#statement.rowOf(fields));
    } catch (error) {
      this.#failure = error as Error;
    }
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#answered(this.#failure ?? error, []);
  }

  handleReadyForQuery(): void {
    this.#answered(this.#failure, this.#rows);
  }
}
