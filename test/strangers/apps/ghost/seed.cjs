// Creates the tables by Ghost's migrations, fills them by its generator with a seed, and adds keys for its APIs.
const { spawnSync } = require('node:child_process')
const mysql = require('mysql2/promise')

for (const args of [
  ['node_modules/.bin/knex-migrator-init'],
  [
    'index.js',
    'generate-data',
    '--seed=1',
    '--quantities=posts:300,members:400,comments:600,tags:30,members_click_events:300,email_recipients:300',
  ],
]) {
  const { status } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ALLOW_INFILE_STREAM: '1', DISABLE_FAST_IMPORT: '1' },
  })
  if (status !== 0) throw new Error(`${args.join(' ')} failed with ${status}.`)
}

const number = (table, condition = 'TRUE') =>
  `UPDATE ${table} JOIN (
     SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS at FROM ${table} WHERE ${condition}
   ) AS numbered USING (id)`

async function addKeys() {
  const database = await mysql.createConnection(process.env.DATABASE_URL)
  for (const statement of [
    // Names that requests can contain. A third of the posts is public.
    `${number('posts', "type = 'post'")}
     SET slug = CONCAT('post-', at),
       visibility = IF(at % 3 = 0, 'public', visibility), status = IF(at % 3 = 0, 'published', status),
       published_at = IF(at % 3 = 0, created_at, published_at), updated_at = created_at`,
    `${number('tags')} SET slug = CONCAT('tag-', at)`,
    `${number('users')} SET slug = CONCAT('author-', at), profile_image = NULL`,
    // No images of other servers, and no mentions, which Ghost verifies in the background.
    'DELETE FROM mentions',
    "DELETE FROM settings WHERE `key` = 'cover_image'",
    `INSERT INTO settings (id, \`group\`, \`key\`, value, type, created_at)
     VALUES (REPEAT('b', 24), 'site', 'cover_image', '', 'string', NOW())`,
    `INSERT INTO integrations (id, type, name, slug, created_at)
     VALUES (REPEAT('a', 24), 'custom', 'Test', 'test', NOW())`,
    `INSERT INTO api_keys (id, type, secret, integration_id, created_at, role_id)
     SELECT REPEAT('c', 24), 'content', REPEAT('cd', 13), REPEAT('a', 24), NOW(), NULL
     UNION ALL
     SELECT REPEAT('a', 24), 'admin', REPEAT('ab', 32), REPEAT('a', 24), NOW(), id
     FROM roles WHERE name = 'Admin Integration'`,
  ])
    await database.query(statement)
  await database.end()
}

addKeys()
