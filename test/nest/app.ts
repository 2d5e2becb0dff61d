import 'reflect-metadata'
import {
  type CanActivate,
  Controller,
  type DynamicModule,
  Get,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  Param,
  UseGuards,
} from '@nestjs/common'
import type { Sluice } from '@sluice/core'
import type { Knex } from 'knex'

const DB = Symbol('db')
const SLUICE = Symbol('sluice')

interface Region {
  readonly id: number
  readonly name: string
}

@Injectable()
class Regions {
  constructor(@Inject(DB) private readonly db: Knex) {}

  find(id: number): Promise<Region | undefined> {
    return this.db<Region>('region').where({ id }).first()
  }
}

/** Queries the database before the handler does. */
@Injectable()
class KnownVisitor implements CanActivate {
  constructor(@Inject(DB) private readonly db: Knex) {}

  async canActivate(): Promise<boolean> {
    return (await this.db('city').where({ id: 1 }).first()) !== undefined
  }
}

@Controller('regions')
class RegionsController {
  constructor(
    @Inject(DB) private readonly db: Knex,
    @Inject(Regions) private readonly regions: Regions,
  ) {}

  /** The naive way: the listing, then one concurrent query per row. */
  @Get(':count/cities')
  @UseGuards(KnownVisitor)
  async cities(@Param('count') count: string): Promise<unknown> {
    const cities = await this.db('city').orderBy('id').limit(Number(count))
    return Promise.all(
      cities.map(async ({ name, region_id }) => ({
        name,
        region: (await this.regions.find(region_id))?.name,
      })),
    )
  }

  @Get('slow')
  async slow(): Promise<unknown> {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return this.db('region').count({ count: '*' })
  }
}

/** Closes the given resources once no request is left. */
@Injectable()
class Closing implements OnApplicationShutdown {
  constructor(
    @Inject(DB) private readonly db: Knex,
    @Inject(SLUICE) private readonly sluice: Sluice,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.db.destroy()
    await this.sluice.close()
  }
}

@Module({})
class AppModule {}

export function appModule(db: Knex, sluice: Sluice): DynamicModule {
  return {
    module: AppModule,
    controllers: [RegionsController],
    providers: [
      Regions,
      KnownVisitor,
      Closing,
      { provide: DB, useValue: db },
      { provide: SLUICE, useValue: sluice },
    ],
  }
}
