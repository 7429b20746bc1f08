import { Injectable } from '@nestjs/common';
import { productChanged } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import { ProductService } from './product.service.ts';

/** Forgets a changed product once more, in case the replica that changed it died between its commit and its forget. */
@Injectable()
export class ProductChangedConsumer {
  constructor(private readonly products: ProductService) {}

  // Forgetting twice does no harm, so no mark in the inbox is needed.
  @Handles(productChanged, { inbox: false })
  async forget({ id }: PayloadOf<typeof productChanged>): Promise<void> {
    await this.products.forget(id);
  }
}
