/**
 * Sluice for TypeORM, without `sluice/register`.
 *
 * @packageDocumentation
 */
export { type TypeormDataSource, withSluice } from './explicit/typeorm.ts'
