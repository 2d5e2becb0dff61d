/**
 * Sluice for MikroORM, without `sluice/register`.
 *
 * @packageDocumentation
 */
export { type MikroOrmInstance, withSluice } from './explicit/mikro-orm.ts'
