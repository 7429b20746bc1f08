/**
 * Whether this process counts and measures: `METRICS=off` makes every metric a name without values, so that a
 * benchmark can tell what they cost. Read once, since metrics are made while modules load, before any configuration.
 */
export const metricsEnabled: boolean = process.env['METRICS'] !== 'off';
