import { Controller } from '@nestjs/common';
import { catalogCalls } from '@tenfold/contracts';
import type { ResponseOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { CategoryService } from './category.service.ts';

const { listCategories } = catalogCalls.calls;

@Controller()
export class CategoryHandler {
  constructor(private readonly categories: CategoryService) {}

  @Answers(listCategories)
  async listCategories(): Promise<ResponseOf<typeof listCategories>> {
    return { items: await this.categories.list() };
  }
}
