/** One name in every spelling that code needs. */
export interface Name {
  /** `billing-plan` */
  kebab: string;
  /** `billingPlan` */
  camel: string;
  /** `BillingPlan` */
  pascal: string;
  /** `billing_plan` */
  snake: string;
  /** `BILLING_PLAN` */
  constant: string;
  /** `billing plan` */
  words: string;
}

/** Lower-case words with single dashes between, the first of them beginning with a letter. */
export const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** @param kebab a name that matches {@link namePattern} */
export function spellingsOf(kebab: string): Name {
  const words = kebab.split('-');
  const pascal = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return {
    kebab,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    pascal,
    snake: words.join('_'),
    constant: words.join('_').toUpperCase(),
    words: words.join(' '),
  };
}

/** `payments` → `payment`, `deliveries` → `delivery`, `boxes` → `box`; what is no plural stays as it is. */
export function singularOf(kebab: string): string {
  if (/[^aeiou]ies$/.test(kebab)) return kebab.replace(/ies$/, 'y');
  if (/(ss|x|z|ch|sh)es$/.test(kebab)) return kebab.replace(/es$/, '');
  if (/[^sui]s$/.test(kebab)) return kebab.slice(0, -1);
  return kebab;
}

/** The way back. */
export function pluralOf(kebab: string): string {
  if (/[^aeiou]y$/.test(kebab)) return kebab.replace(/y$/, 'ies');
  return /(s|x|z|ch|sh)$/.test(kebab) ? `${kebab}es` : `${kebab}s`;
}

/** `a payment`, `an invoice`. */
export function withArticle(words: string): string {
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}
