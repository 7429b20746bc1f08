declare module 'pg/lib/utils.js' {
  const utils: {
    /** A parameter as the server takes it: text, bytes or null. */
    prepareValue(value: unknown): string | Buffer | null;
  };
  export default utils;
}
