import { withSluice } from '@sluice/kysely'
import { Kysely as Original } from 'kysely-of-checkout'
import { sluice } from './sluice.mjs'

export * from 'kysely-of-checkout'

export class Kysely extends Original {
  constructor(config) {
    super(sluice === undefined ? config : { ...config, dialect: withSluice(config.dialect, sluice) })
  }
}
