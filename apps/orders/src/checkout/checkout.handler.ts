import { Controller } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { CheckoutService } from './checkout.service.ts';

const { placeOrder } = ordersCalls.calls;

@Controller()
export class CheckoutHandler {
  constructor(private readonly checkout: CheckoutService) {}

  @Answers(placeOrder)
  placeOrder(request: ValidRequestOf<typeof placeOrder>): Promise<ResponseOf<typeof placeOrder>> {
    return this.checkout.place(request);
  }
}
