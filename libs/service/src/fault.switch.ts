import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { z } from 'zod';

/** A fault that a part can show on demand. */
export interface Fault<Settings extends z.ZodType = z.ZodType> {
  name: string;
  /** What is to be said when it is switched on; nothing by default. */
  settings?: Settings;
  /** Switches it on, or over to other settings; undefined switches it off. */
  apply(settings: z.output<Settings> | undefined): void;
}

const nothing = z.strictObject({});

/**
 * Faults on demand, to show that what should notice them does: a load test's gates, alerts. There is one only in a
 * process with `FAULT_SWITCH=true`, so whoever registers takes it as optional.
 */
export class FaultSwitch {
  readonly #faults = new Map<string, Fault[]>();

  /** Several parts may have a fault of one name: all are switched together. */
  register<Settings extends z.ZodType>(fault: Fault<Settings>): void {
    this.#faults.set(fault.name, [...(this.#faults.get(fault.name) ?? []), fault as unknown as Fault]);
  }

  get names(): string[] {
    return [...this.#faults.keys()].sort();
  }

  /**
   * @returns what is wrong with the settings, undefined when the fault is on
   * @throws RangeError for a fault that nobody here has
   */
  on(name: string, settings: unknown): z.ZodError | undefined {
    const faults = this.#faults.get(name);
    if (!faults) throw new RangeError(`There is no fault "${name}"; there are ${this.names.join(', ') || 'none'}.`);
    for (const fault of faults) {
      const result = (fault.settings ?? nothing).safeParse(settings);
      if (!result.success) return result.error;
      fault.apply(result.data);
    }
    return undefined;
  }

  /** Switches all of them off. */
  off(): void {
    for (const fault of [...this.#faults.values()].flat()) fault.apply(undefined);
  }
}

/** Provides {@link FaultSwitch} globally, where there is one. */
@Module({})
export class FaultModule {
  static register(faults: FaultSwitch): DynamicModule {
    return { module: FaultModule, global: true, providers: [{ provide: FaultSwitch, useValue: faults }], exports: [FaultSwitch] };
  }
}
