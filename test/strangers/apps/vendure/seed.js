// Creates the tables, and the shop of Vendure's starter, in the database of DATABASE_URL.
process.env.APP_SEEDS = 'yes'
const { bootstrap, JobQueueService } = require('@vendure/core')
const { populate } = require('@vendure/core/cli')
const { join, dirname } = require('node:path')
const { config } = require('./config.js')

const assets = join(dirname(require.resolve('@vendure/create/package.json')), 'assets')

async function seed() {
  const app = await populate(
    async () => {
      const app = await bootstrap(config)
      await app.get(JobQueueService).start()
      return app
    },
    require(join(assets, 'initial-data.json')),
    join(assets, 'products.csv'),
  )
  // A job writes the products of collections.
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  await app.close()
}

seed().then(
  () => process.exit(),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
