import { BadRequestException, Body, Controller, Delete, HttpCode, Logger, NotFoundException, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { FaultSwitch } from './fault.switch.ts';

/** Switches faults, on the operations port of a process that has {@link FaultSwitch}. */
@Controller('faults')
export class FaultController {
  private readonly logger = new Logger('Faults');

  constructor(private readonly faults: FaultSwitch) {}

  @Put(':name')
  @HttpCode(204)
  on(@Param('name') name: string, @Body() settings: unknown): void {
    if (!this.faults.names.includes(name)) throw new NotFoundException(`There is no fault "${name}"; there are ${this.faults.names.join(', ') || 'none'}.`);
    const problem = this.faults.on(name, settings ?? {});
    if (problem) throw new BadRequestException(z.prettifyError(problem));
    this.logger.warn({ msg: 'fault is on', fault: name, settings });
  }

  @Delete()
  @HttpCode(204)
  off(): void {
    this.faults.off();
    this.logger.warn('all faults are off');
  }
}
