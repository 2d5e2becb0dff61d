import { parseEnv } from 'node:util'
import type { DetectedDatabase } from './detected-project.ts'
import type { ProjectFolder } from './project-folder.ts'

type Environment = Readonly<Record<string, string | undefined>>

const files = ['.env', 'prisma/.env']

/**
 * Reads the database URL from a variable of the environment, otherwise of a `.env` file. Expands `${OTHER}`
 * in values of files.
 *
 * @param names - The variables to read, in order of precedence.
 */
export async function readDatabaseUrl(
  folder: ProjectFolder,
  names: readonly string[],
  env: Environment,
): Promise<DetectedDatabase | undefined> {
  const texts = await Promise.all(
    files.map(async (path) => ({
      path,
      variables: parseEnv((await folder.read(path)) ?? '') as Environment,
    })),
  )
  for (const name of names) {
    const configured = env[name]
    if (configured !== undefined && configured !== '') return { url: configured, from: name }
    for (const { path, variables } of texts) {
      const value = variables[name]
      if (value !== undefined && value !== '')
        return { url: expand(value, { ...variables, ...env }), from: `${name} in ${path}` }
    }
  }
  return undefined
}

/** The same for the variables that a configuration file reads, then for `DATABASE_URL`. */
export function readConfiguredDatabaseUrl(
  folder: ProjectFolder,
  configuration: string,
  env: Environment,
): Promise<DetectedDatabase | undefined> {
  const names = environmentNames(configuration).filter((name) => /URL|URI|CONNECTION/i.test(name))
  return readDatabaseUrl(folder, [...names, 'DATABASE_URL'], env)
}

/** The names in `env('NAME')`, `env("NAME")` and `process.env.NAME`. */
export function environmentNames(text: string): string[] {
  return [...text.matchAll(/\benv\(\s*["'](\w+)["']\s*\)|\bprocess\.env\.(\w+)/g)].flatMap(
    ([, called, read]) => called ?? read ?? [],
  )
}

function expand(value: string, variables: Environment): string {
  return value.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole)
}
