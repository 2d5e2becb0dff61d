import type { Random } from '../../support/random.ts'
import type { AppRequest, RealApp } from './real-app.ts'
import { weighted } from './weighted.ts'

const PRODUCTS = 54
const VARIANTS = 88

function graphql(kind: string, api: 'admin' | 'shop', query: string, variables: object = {}): AppRequest {
  return { kind, method: 'POST', path: `/${api}-api`, body: { query, variables } }
}

const id = (random: Random, count: number) => String(1 + random.below(count))

const PRODUCT = `
  id name slug description
  variants { id name sku price priceWithTax currencyCode stockLevel options { name group { name } } }
  facetValues { name facet { name } }
  collections { name slug }
  optionGroups { name options { name } }
`

/** 85% read. Lists have an order that is the same in each run. */
const request = weighted([
  [
    20,
    (random) =>
      graphql(
        'products',
        'shop',
        `query ($skip: Int!) { products(options: { take: 12, skip: $skip, sort: { name: ASC } }) { totalItems items { ${PRODUCT} } } }`,
        { skip: random.below(4) * 12 },
      ),
  ],
  [
    20,
    (random) =>
      graphql('one product', 'shop', `query ($id: ID!) { product(id: $id) { ${PRODUCT} } }`, {
        id: id(random, PRODUCTS),
      }),
  ],
  [
    15,
    (random) =>
      graphql(
        'one collection',
        'shop',
        `query ($id: ID!) {
          collection(id: $id) {
            name slug breadcrumbs { name } parent { name } children { name }
            productVariants(options: { take: 10, sort: { sku: ASC } }) {
              totalItems items { name sku priceWithTax product { name slug featuredAsset { preview } } }
            }
          }
        }`,
        { id: String(2 + random.below(9)) },
      ),
  ],
  [
    8,
    () =>
      graphql(
        'collections',
        'shop',
        'query { collections(options: { sort: { name: ASC } }) { items { name parent { name } children { name } productVariants { totalItems } } } }',
      ),
  ],
  [
    7,
    () =>
      graphql(
        'facets',
        'shop',
        'query { facets(options: { sort: { name: ASC } }) { items { name code values { name code } } } }',
      ),
  ],
  [
    12,
    (random) =>
      graphql(
        'variants',
        'admin',
        `query ($skip: Int!) {
          productVariants(options: { take: 15, skip: $skip, sort: { sku: ASC } }) {
            items {
              sku name stockLevels { stockOnHand stockLocation { name } } prices { currencyCode price }
              taxCategory { name } taxRateApplied { value } product { name } options { name }
            }
          }
        }`,
        { skip: random.below(5) * 15 },
      ),
  ],
  [
    3,
    () =>
      graphql(
        'settings',
        'admin',
        'query { channels { items { code defaultTaxZone { name } } } taxRates { items { name category { name } zone { name } } } }',
      ),
  ],
  [
    6,
    (random, at) =>
      graphql(
        'update a product',
        'admin',
        `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { name variants { name price } facetValues { name } } }`,
        {
          input: {
            id: id(random, PRODUCTS),
            translations: [{ languageCode: 'en', description: `Description ${at}` }],
          },
        },
      ),
  ],
  [
    6,
    (random) =>
      graphql(
        'update variants',
        'admin',
        'mutation ($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { sku price stockOnHand } }',
        {
          input: [1, 2, 3].map(() => ({
            id: id(random, VARIANTS),
            price: 100 + random.below(9_000),
            stockOnHand: random.below(100),
          })),
        },
      ),
  ],
  [
    3,
    (random, at) =>
      graphql(
        'create a facet',
        'admin',
        'mutation ($input: CreateFacetInput!) { createFacet(input: $input) { name values { name } } }',
        {
          input: {
            code: `facet-${at}`,
            isPrivate: random.below(2) === 0,
            translations: [{ languageCode: 'en', name: `Facet ${at}` }],
            values: [1, 2].map((nth) => ({
              code: `value-${at}-${nth}`,
              translations: [{ languageCode: 'en', name: `Value ${nth}` }],
            })),
          },
        },
      ),
  ],
])

/** NestJS on TypeORM. */
export const vendure: RealApp = {
  name: 'vendure',
  dialect: 'postgresql',
  packages: ['@sluice/core'],
  modes: ['bare', 'register-observe', 'register-optimize', 'register-cache'],
  prepare: [],
  seed: ['seed.js'],
  start: ['server.js'],
  ready: graphql('ready', 'shop', 'query { __typename }'),
  request,
  normalized: (body) => body.replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"'),
}
