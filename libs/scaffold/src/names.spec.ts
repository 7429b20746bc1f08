import { describe, expect, it } from 'vitest';
import { namePattern, pluralOf, singularOf, spellingsOf } from './names.ts';

describe('a name', () => {
  it('has every spelling that code needs', () => {
    expect(spellingsOf('billing-plan')).toEqual({
      kebab: 'billing-plan',
      camel: 'billingPlan',
      pascal: 'BillingPlan',
      snake: 'billing_plan',
      constant: 'BILLING_PLAN',
      words: 'billing plan',
    });
  });

  it.each([
    ['payments', 'payment'],
    ['deliveries', 'delivery'],
    ['boxes', 'box'],
    ['addresses', 'address'],
    ['billing-plans', 'billing-plan'],
    ['days', 'day'],
  ])('%s is the plural of %s', (plural, singular) => {
    expect(singularOf(plural)).toBe(singular);
    expect(pluralOf(singular)).toBe(plural);
  });

  it.each(['billing', 'status', 'address', 'analysis'])('%s is no plural', (word) => {
    expect(singularOf(word)).toBe(word);
  });

  it.each(['Payments', 'pay_ments', '-pay', 'pay-', 'pay--ment', '1pay', '', 'pay ment', '../pay', 'zahlungen-für'])('"%s" is none', (name) => {
    expect(name).not.toMatch(namePattern);
  });
});
