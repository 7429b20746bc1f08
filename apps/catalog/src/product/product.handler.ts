import { Controller } from '@nestjs/common';
import { catalogCalls } from '@tenfold/contracts';
import type { Product, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Answers, CallError } from '@tenfold/rpc';
import { ProductService } from './product.service.ts';

const { getProduct, getProducts, changeProduct } = catalogCalls.calls;

@Controller()
export class ProductHandler {
  constructor(private readonly products: ProductService) {}

  @Answers(getProduct)
  async getProduct({ id }: ValidRequestOf<typeof getProduct>): Promise<Product> {
    return (await this.products.get(id)) ?? refuseUnknown(id);
  }

  @Answers(getProducts)
  async getProducts({ ids }: ValidRequestOf<typeof getProducts>): Promise<ResponseOf<typeof getProducts>> {
    return { items: await this.products.getMany(ids) };
  }

  @Answers(changeProduct)
  async changeProduct({ id, change }: ValidRequestOf<typeof changeProduct>): Promise<Product> {
    return (await this.products.change(id, change)) ?? refuseUnknown(id);
  }
}

function refuseUnknown(id: number): never {
  throw new CallError('not-found', `no product ${id}`);
}
