/** The identity a session carries: what the gateway needs on every request without asking `accounts`. */
export interface SessionAccount {
  id: string;
  email: string;
  name: string;
  role: string;
}

/** A session as one load finds it. A copy: changing it changes nothing in the store. */
export interface Session {
  /** Public name of the session, for lists and for ending it; tells nothing about its id. */
  handle: string;
  /** Absent while the visitor has not logged in. */
  account?: SessionAccount;
  /** Product id → quantity (1 to 99). */
  cart: Map<number, number>;
  /** Database name → the LSN that reads for this session must have reached. */
  positions: Map<string, string>;
  /** What the client called itself when the session began. */
  device: string;
  createdAt: Date;
  lastUsedAt: Date;
}

/** A session of an account as its owner sees it in a list. */
export type SessionSummary = Pick<Session, 'handle' | 'device' | 'createdAt' | 'lastUsedAt'>;

/** A session together with the secret id that names it; the id exists nowhere else. */
export interface NewSession {
  id: string;
  session: Session;
}

/** Most different products that one cart holds. */
export const cartLimit = 50;

/** Most of one product in a cart. */
export const quantityLimit = 99;
