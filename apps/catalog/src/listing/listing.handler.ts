import { Controller } from '@nestjs/common';
import { catalogCalls } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { DatabaseError } from '@tenfold/database';
import { Answers, CallError } from '@tenfold/rpc';
import { ListingService } from './listing.service.ts';

const { listProducts } = catalogCalls.calls;

@Controller()
export class ListingHandler {
  constructor(private readonly listings: ListingService) {}

  @Answers(listProducts)
  async listProducts(filter: ValidRequestOf<typeof listProducts>): Promise<ResponseOf<typeof listProducts>> {
    try {
      return await this.listings.list(filter);
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'bad-cursor') {
        throw new CallError('bad-cursor', error.message, { cause: error });
      }
      throw error;
    }
  }
}
