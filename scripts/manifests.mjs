// Writes the addresses of the root package.json into the manifests and READMEs of the packages, which npm
// shows, and checks the ranges of dependencies. With `--check`, reports what it would write. With
// `--publish`, also rejects a placeholder.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
})
const root = join(import.meta.dirname, '..')
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))
const { author, bugs, homepage, repository, engines, license } = read(join(root, 'package.json'))
const problems = []

if (values.publish && [repository.url, homepage, bugs.url].some((url) => url.includes('example.invalid')))
  problems.push(
    'package.json: `repository`, `homepage` and `bugs` are placeholders. Set them, and run `node scripts/manifests.mjs`.',
  )

/** Writes a file, or reports it. */
function settle(path, text) {
  if (readFileSync(path, 'utf8') === text) return
  if (values.check || values.publish)
    problems.push(`${relative(root, path)} does not match package.json: run \`node scripts/manifests.mjs\`.`)
  else writeFileSync(path, text)
}

/** Links to pages of the documentation, which npm does not have: they lead to the site. */
function withAbsoluteLinks(readme, path, before) {
  return readme
    .replaceAll(`](${before}/`, `](${homepage}/`)
    .replace(/\]\((\.[^)#]*\.md)(#[^)]*)?\)/g, (link, to, anchor = '') => {
      const page = relative(join(root, 'docs'), join(dirname(path), to))
      return page.startsWith('..') ? link : `](${homepage}/${page.replace(/\.md$/, '')}${anchor})`
    })
}

for (const name of readdirSync(join(root, 'packages'))) {
  const folder = join(root, 'packages', name)
  const path = join(folder, 'package.json')
  const manifest = read(path)
  if (!Array.isArray(manifest.keywords) || manifest.keywords.length === 0)
    problems.push(`packages/${name}/package.json has no \`keywords\`.`)
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    // Packages of Sluice use each other's internal entry points, which any version can change.
    const isRight = dependency.startsWith('@sluice/') ? range === 'workspace:*' : range.startsWith('^')
    if (!isRight)
      problems.push(
        `packages/${name}/package.json depends on ${dependency} ${range}: expected \`workspace:*\` for a package of Sluice, and a range with \`^\` for others.`,
      )
  }
  const before = manifest.homepage ?? homepage
  const directory = `packages/${name}`
  Object.assign(manifest, {
    license,
    author,
    homepage,
    bugs,
    engines: { ...engines, ...manifest.engines },
    repository: { ...repository, directory },
  })
  settle(path, `${JSON.stringify(manifest, null, 2)}\n`)
  const readme = join(folder, 'README.md')
  if (!existsSync(readme)) problems.push(`packages/${name} has no README.md.`)
  else settle(readme, withAbsoluteLinks(readFileSync(readme, 'utf8'), readme, before))
}

for (const problem of problems) console.error(problem)
process.exit(problems.length === 0 ? 0 : 1)
