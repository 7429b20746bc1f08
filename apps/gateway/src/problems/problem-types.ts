/** The closed list of ways in which the API refuses. The key is the last part of `type` and never changes its meaning. */
export const problemTypes = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'malformed-body': { status: 400, title: 'The body is not JSON' },
  'not-logged-in': { status: 401, title: 'Log in first' },
  'wrong-credentials': { status: 401, title: 'Email or password is wrong' },
  forbidden: { status: 403, title: 'This account may not do that' },
  'cross-origin': { status: 403, title: 'Requests from other sites change nothing here' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'The resource does not know this method' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'email-taken': { status: 409, title: 'This email has an account' },
  'key-reused': { status: 409, title: 'This Idempotency-Key stands for another request' },
  'report-not-ready': { status: 409, title: 'The report is not finished' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a type that is not taken here' },
  'out-of-stock': { status: 422, title: 'Not enough in stock' },
  'unknown-product': { status: 422, title: 'A product does not exist' },
  'nothing-to-order': { status: 422, title: 'Neither the request nor the cart holds anything' },
  'cart-full': { status: 422, title: 'The cart holds as many products as it can' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong here' },
  overloaded: { status: 503, title: 'Too busy; try again later' },
  unavailable: { status: 503, title: 'A part of the shop cannot be reached; try again later' },
  'deadline-exceeded': { status: 504, title: 'The answer did not come in time' },
} as const;

export type ProblemType = keyof typeof problemTypes;
