import { Random } from '../../support/random.ts'

/** Picks ranks from 0 by Zipf's law; the mapping of ranks to numbers is scattered. */
class Zipf {
  readonly #sums: Float64Array

  constructor(
    private readonly random: Random,
    readonly size: number,
    exponent: number,
  ) {
    this.#sums = new Float64Array(size)
    let sum = 0
    for (let rank = 0; rank < size; rank += 1) {
      sum += 1 / (rank + 1) ** exponent
      this.#sums[rank] = sum
    }
  }

  rank(): number {
    const sought = this.random.next() * (this.#sums[this.size - 1] ?? 0)
    let [low, high] = [0, this.size - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sums[middle] ?? 0) < sought) low = middle + 1
      else high = middle
    }
    return low
  }

  /** From 1: a rank, and its position among the others. */
  id(): number {
    return ((this.rank() * 7_919) % this.size) + 1
  }
}

const DAY_MS = 86_400_000
const SHOP_DAYS = 730
const START = Date.UTC(2024, 0, 1)

const ADJECTIVES =
  'Amber Azure Bold Brass Calm Clear Coral Crisp Dusty Early Fine Forest Frosty Gentle Golden Grand Hazel Indigo Ivory Jade Light Linen Lunar Maple Misty Noble Oaken Olive Pale Pearl Plain Quiet Royal Rustic Sandy Silver Slate Solid Tidal Velvet'.split(
    ' ',
  )
const NOUNS =
  'Anchor Apron Basket Bench Blanket Bottle Bowl Brush Candle Carafe Chair Clock Cup Curtain Desk Drawer Easel Fan Frame Funnel Glass Hammer Hook Jar Kettle Knife Ladder Lamp Lantern Mat Mirror Mug Napkin Needle Paddle Pan Pillow Pitcher Plate Quilt Rack Rug Saddle Shelf Spoon Stool Table Tray Vase Whisk'.split(
    ' ',
  )
const FIRST =
  'Ada Ben Cleo Dan Eva Finn Gil Hana Ivo Jana Kai Lea Max Nia Odo Pia Rex Sam Tia Uma Vic Wen Yara Zoe'.split(
    ' ',
  )
const LAST =
  'Abel Brandt Costa Dahl Ebner Falk Greco Haas Ibarra Jansen Klein Lopez Meyer Novak Okafor Peters Quist Rossi Silva Tanaka'.split(
    ' ',
  )

const SIZES = {
  categories: 60,
  tags: 300,
  customers: 30_000,
  products: 20_000,
  product_tags: 40_000,
  orders: 100_000,
  order_items: 200_000,
  shipments: 60_000,
  reviews: 40_000,
  messages: 60_000,
  events: 120_000,
}

/**
 * The distribution of the shop's values: rows and the arguments of statements are drawn from the same
 * distributions.
 */
export class Shop {
  readonly sizes: Readonly<Record<keyof typeof SIZES, number>>
  readonly #customers: Zipf
  readonly #products: Zipf
  readonly #categories: Zipf
  readonly #countries: Zipf
  readonly #kinds: Zipf
  readonly #tags: Zipf

  /** @param scale - 1: 670,000 rows. */
  constructor(
    readonly random: Random,
    scale: number,
  ) {
    const scaled = Object.entries(SIZES).map(([table, size]) => [
      table,
      size <= 300 ? size : Math.round(size * scale),
    ])
    this.sizes = Object.fromEntries(scaled) as Record<keyof typeof SIZES, number>
    this.#customers = new Zipf(random, this.sizes.customers, 0.6)
    this.#products = new Zipf(random, this.sizes.products, 0.8)
    this.#categories = new Zipf(random, this.sizes.categories, 0.9)
    this.#countries = new Zipf(random, 40, 1.1)
    this.#kinds = new Zipf(random, 12, 1)
    this.#tags = new Zipf(random, this.sizes.tags, 0.9)
  }

  customer = (): number => this.#customers.id()
  product = (): number => this.#products.id()
  category = (): number => this.#categories.id()
  tag = (): number => this.#tags.id()
  order = (): number => this.random.below(this.sizes.orders) + 1
  thread = (): number => this.random.below(Math.ceil(this.sizes.messages / 4)) + 1
  agent = (): number => this.random.below(40) + 1
  warehouse = (): number => this.random.below(8) + 1
  session = (): string =>
    `s${(this.random.below(Math.ceil(this.sizes.events / 3)) * 2_654_435_761) % 4_294_967_296}`
  price = (): number => Math.round(10 ** (1 + this.random.next() * 2)) * 100 - 1
  countryRank = (): number => this.#countries.rank()
  country = (rank = this.countryRank()): string => `C${String(rank).padStart(2, '0')}`
  /** Twenty cities per country. */
  city = (rank = this.countryRank()): string => `City ${rank * 20 + this.random.below(20)}`
  kind = (): string => `kind-${this.#kinds.rank()}`
  coupon = (): string => `COUPON-${this.random.below(500)}`
  region = (): string => `region-${this.random.below(25)}`
  carrier = (): string => `carrier-${this.random.below(5)}`
  productName = (): string =>
    `${this.random.pick(ADJECTIVES)} ${this.random.pick(NOUNS)} ${this.random.below(1000)}`
  customerName = (): string =>
    `${this.random.pick(FIRST)} ${this.random.pick(LAST)} ${this.random.below(1000)}`
  title = (): string => `${this.random.pick(ADJECTIVES)} and ${this.random.pick(ADJECTIVES)}`.toLowerCase()
  /** Many, few, and very few. */
  status = (): string =>
    this.weighted({ delivered: 86, shipped: 8, paid: 3, pending: 2, failed: 0.8, disputed: 0.2 })
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][]
    let left = this.random.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [value, weight] of entries) {
      left -= weight
      if (left < 0) return value
    }
    return entries[0]?.[0] as T
  }
  /** @param share - 0: the first day, 1: the last. */
  time = (share = this.random.next()): Date => new Date(START + Math.floor(share * SHOP_DAYS * DAY_MS))
  later = (time: Date, days: number): Date =>
    new Date(time.getTime() + Math.floor(this.random.next() * days * DAY_MS))
  /** The number of days before the end. */
  ago = (days: number): Date => this.time(1 - days / SHOP_DAYS)
}

/** A day within the last half of the time. */
export function someDay({ random }: Shop): { readonly from: Date; readonly to: Date } {
  const from = START + (SHOP_DAYS - 1 - random.below(SHOP_DAYS / 2)) * DAY_MS
  return { from: new Date(from), to: new Date(from + DAY_MS) }
}

export function createShop(seed: number, scale: number): Shop {
  return new Shop(new Random(seed), scale)
}
