import { Body, Controller, Delete, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import { itemQuantity } from '@tenfold/contracts';
import type { ItemQuantity } from '@tenfold/contracts';
import { SessionStore } from '@tenfold/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Documented } from '../openapi/documented.decorator.ts';
import { integerOfText } from '../pages/page.query.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';
import { CurrentSessionOf } from '../sessions/current-session.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import { CurrentSessions } from '../sessions/current-sessions.ts';

const { productId, quantity } = itemQuantity.shape;
const namedItem = z.strictObject({ productId: z.preprocess(integerOfText, productId) });
const newQuantity = z.strictObject({ quantity });

const cartView = z.strictObject({ items: z.array(itemQuantity) });
type CartView = z.output<typeof cartView>;

/** The cart lives in the session: a visitor has one, too, and keeps it at log-in. */
@Controller('v1/cart')
@AllowedTo('visitor')
export class CartController {
  constructor(
    private readonly store: SessionStore,
    private readonly sessions: CurrentSessions,
  ) {}

  @Get()
  @Documented({ summary: 'Show my cart', answers: { 200: cartView } })
  show(@CurrentSessionOf() current: CurrentSession | undefined): CartView {
    return { items: current ? cartItems(current.session.cart) : [] };
  }

  @Put('items/:productId')
  @Documented({ summary: 'Put a product into my cart, or change how many', answers: { 200: cartView }, problems: ['cart-full'] })
  async put(
    @Param({ schema: namedItem }) item: z.output<typeof namedItem>,
    @Body({ schema: newQuantity }) body: z.output<typeof newQuantity>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CartView> {
    const { id, session } = await this.sessions.begin(request, reply);
    await this.store.setCartItem(id, item.productId, body.quantity);
    return { items: cartItems(new Map(session.cart).set(item.productId, body.quantity)) };
  }

  @Delete('items/:productId')
  @HttpCode(204)
  @Documented({ summary: 'Take a product out of my cart', answers: { 204: null } })
  async remove(
    @Param({ schema: namedItem }) item: z.output<typeof namedItem>,
    @CurrentSessionOf() current: CurrentSession | undefined,
  ): Promise<void> {
    if (current) await this.store.removeCartItem(current.id, item.productId);
  }
}

/** What a cart holds, in the form that orders take and in the order of its products: that of a Redis hash is none. */
export function cartItems(cart: ReadonlyMap<number, number>): ItemQuantity[] {
  return [...cart].map(([productId, quantity]) => ({ productId, quantity })).sort((one, other) => one.productId - other.productId);
}
