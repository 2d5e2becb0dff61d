import type { WriteShape } from './shape.ts'

export const writes: readonly WriteShape[] = [
  {
    id: 'log-event',
    orm: 'knex',
    text: 'insert into `events` (`customer_id`, `id`, `kind`, `occurred_at`, `path`, `session_id`) values (?, ?, ?, ?, ?, ?)',
    calls: 500_000,
    values: (shop) => [
      shop.customer(),
      shop.sizes.events + 1,
      shop.kind(),
      shop.ago(0),
      '/p/1',
      shop.session(),
    ],
  },
  {
    id: 'place-order',
    orm: 'prisma',
    text: 'INSERT INTO {orders} (`number`, `customer_id`, `status`, `channel`, `warehouse_id`, `total`, `placed_at`) VALUES (?,?,?,?,?,?,?){returning orders}',
    calls: 4_000,
    values: (shop) => ['N-1', shop.customer(), 'pending', 'web', shop.warehouse(), shop.price(), shop.ago(0)],
  },
  {
    id: 'place-order-item',
    orm: 'prisma',
    text: 'INSERT INTO {order_items} (`order_id`, `product_id`, `quantity`, `price`, `returned`) VALUES (?,?,?,?,?){returning order_items}',
    calls: 8_000,
    values: (shop) => [shop.order(), shop.product(), 1, shop.price(), false],
  },
  {
    id: 'move-order',
    orm: 'knex',
    text: 'update `orders` set `status` = ? where `id` = ?',
    calls: 6_000,
    values: (shop) => [shop.status(), shop.order()],
  },
  {
    id: 'take-stock',
    orm: 'knex',
    text: 'update `products` set `stock` = `stock` - ? where `id` = ?',
    calls: 8_000,
    values: (shop) => [1, shop.product()],
  },
  {
    id: 'send-message',
    orm: 'knex',
    text: 'insert into `messages` (`body`, `customer_id`, `sent_at`, `thread_id`) values (?, ?, ?, ?)',
    calls: 3_000,
    values: (shop) => ['Hello', shop.customer(), shop.ago(0), shop.thread()],
  },
]
