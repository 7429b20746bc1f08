import 'reflect-metadata';
import { Controller, Get, Header, Module } from '@nestjs/common';
import { Health, HealthModule } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { servePeer } from '../../frame/peer.ts';

const page = { items: Array.from({ length: 20 }, (_, index) => ({ id: index + 1, name: `Walnut desk lamp no. ${index}`, categoryId: 7, priceCents: 4900 + index })), next: null };

@Controller()
class PageController {
  @Get('v1/products')
  @Header('cache-control', 'public, max-age=5, s-maxage=1, stale-while-revalidate=30')
  list() {
    return page;
  }

  @Get('health/ready')
  ready() {
    return {};
  }
}

@Module({ controllers: [PageController] })
class PageModule {}

/** The least that a gateway can do for a page: it makes no call. */
await servePeer(async () => {
  const health = new Health();
  health.markRunning();
  const app = await createHttpApp({ module: PageModule, imports: [HealthModule.register(health)] }, {}, { health, logger: false, logAll: false });
  await app.listen(0, '127.0.0.1');
  return { port: Number(new URL(await app.getUrl()).port) };
});
