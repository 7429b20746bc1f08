export { createHttpApp } from './http.app.ts';
