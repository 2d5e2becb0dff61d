/** @type {import('next').NextConfig} */
export default {
  output: 'standalone',
  // Loaded by Node once for the process, and not included in each bundle.
  serverExternalPackages: ['@sluice/core', '@sluice/knex', 'knex', 'better-sqlite3'],
}
