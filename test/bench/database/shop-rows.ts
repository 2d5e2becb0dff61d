import type { Shop } from './shop.ts'

export type Value = string | number | boolean | Date | null

/** The rows of each table, in the order of its columns; newer rows have higher keys. */
export function* shopRows(
  shop: Shop,
): Generator<readonly [string, (id: number) => readonly Value[], number]> {
  const { random, sizes } = shop
  const share = (id: number, size: number) => (id - random.next()) / size
  yield [
    'categories',
    (id) => [id, `category-${id}`, `Category ${id}`, id <= 10 ? null : 1 + (id % 10)],
    sizes.categories,
  ]
  yield ['tags', (id) => [id, `tag-${id}`], sizes.tags]
  yield [
    'customers',
    (id) => {
      const rank = shop.countryRank()
      const email = random.chance(0.1) ? `User${id}@Example.com` : `user${id}@example.com`
      const segment = shop.weighted({ retail: 85, business: 10, vip: 4, staff: 1 })
      const referrer = random.chance(0.03) ? 1 + random.below(id) : null
      const phone = `+${String(40_000_000_000 + id * 7_919).slice(0, 11)}`
      const named = [id, email, shop.customerName(), phone, shop.country(rank), shop.city(rank)]
      return [...named, segment, random.chance(0.5), referrer, shop.time(share(id, sizes.customers))]
    },
    sizes.customers,
  ]
  yield [
    'products',
    (id) => {
      const stock = random.chance(0.02) ? random.below(5) : 5 + random.below(500)
      const time = shop.time(share(id, sizes.products))
      const named = [
        id,
        `SKU-${String(id).padStart(6, '0')}`,
        shop.productName(),
        `Brand ${random.below(200)}`,
      ]
      const deletedAt = random.chance(0.03) ? shop.later(time, 90) : null
      return [...named, shop.category(), shop.price(), stock, random.chance(0.92), time, deletedAt]
    },
    sizes.products,
  ]
  const pairs = productTags(shop)
  yield ['product_tags', (id) => pairs[id - 1] ?? [], pairs.length]
  yield [
    'orders',
    (id) => {
      const placed = shop.time(share(id, sizes.orders))
      const channel = shop.weighted({ web: 55, app: 35, store: 10 })
      const coupon = random.chance(0.04) ? shop.coupon() : null
      const cancelled = random.chance(0.03) ? shop.later(placed, 10) : null
      const number = `N-${String((id * 48_271) % 2_147_483_647).padStart(10, '0')}`
      return [
        id,
        number,
        shop.customer(),
        shop.status(),
        channel,
        shop.warehouse(),
        shop.price() * 3,
        coupon,
        placed,
        cancelled,
      ]
    },
    sizes.orders,
  ]
  yield [
    'order_items',
    (id) => {
      const order = Math.min(
        sizes.orders,
        Math.ceil((id / sizes.order_items) * sizes.orders) + random.below(3),
      )
      return [id, order, shop.product(), 1 + random.below(4), shop.price(), random.chance(0.01)]
    },
    sizes.order_items,
  ]
  yield [
    'shipments',
    (id) => {
      const shipped = shop.time(share(id, sizes.shipments))
      const state = shop.weighted({ delivered: 93, in_transit: 5, returned: 1.5, lost: 0.5 })
      const number = `T${String((id * 16_807) % 2_147_483_647).padStart(10, '0')}`
      const order = Math.min(sizes.orders, Math.ceil((id / sizes.shipments) * sizes.orders))
      const delivered = state === 'delivered' ? shop.later(shipped, 5) : null
      return [
        id,
        order,
        shop.carrier(),
        number,
        state,
        shop.region(),
        100 + random.below(9_000),
        shipped,
        delivered,
      ]
    },
    sizes.shipments,
  ]
  yield [
    'reviews',
    (id) => {
      const body = `${shop.title()}, ${shop.title()}, and a ${shop.productName()} that ${shop.title()} would not replace`
      const status = shop.weighted({ approved: 95, pending: 3, rejected: 2 })
      return [
        id,
        shop.product(),
        shop.customer(),
        1 + random.below(5),
        shop.title(),
        body,
        status,
        shop.time(share(id, sizes.reviews)),
      ]
    },
    sizes.reviews,
  ]
  yield [
    'messages',
    (id) => {
      const sent = shop.time(share(id, sizes.messages))
      const agent = random.chance(0.04) ? null : shop.agent()
      const body = `Dear ${shop.customerName()}, the ${shop.productName()} is ${shop.title()}.`
      return [
        id,
        shop.thread(),
        shop.customer(),
        agent,
        body,
        sent,
        random.chance(0.02) ? null : shop.later(sent, 1),
      ]
    },
    sizes.messages,
  ]
  yield [
    'events',
    (id) => {
      const customer = random.chance(0.6) ? null : shop.customer()
      return [
        id,
        shop.session(),
        shop.kind(),
        customer,
        `/p/${shop.product()}`,
        shop.time(share(id, sizes.events)),
      ]
    },
    sizes.events,
  ]
}

function productTags(shop: Shop): Value[][] {
  const pairs = new Map<string, Value[]>()
  while (pairs.size < shop.sizes.product_tags) {
    const [product, tag] = [1 + shop.random.below(shop.sizes.products), shop.tag()]
    pairs.set(`${product} ${tag}`, [product, tag])
  }
  return [...pairs.values()]
}
