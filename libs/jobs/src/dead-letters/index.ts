/** For tools, which run from source without decorators. */
export { addByHand } from './add.by-hand.ts';
export { DeadLetters } from './dead-letters.ts';
export type { DeadLetter, DeadLettersOptions, DeadLetterState } from './dead-letters.ts';
