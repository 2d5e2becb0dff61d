/**
 * Sluice for Sequelize, without `sluice/register`.
 *
 * @packageDocumentation
 */
export { type SequelizeInstance, withSluice } from './explicit/sequelize.ts'
