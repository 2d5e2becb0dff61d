import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const MAX_OPTIONS = 110

/** Whether a type is an object with methods, such as a store or a logger. Its members are not options. */
function isService(type: ts.Type, checker: ts.TypeChecker): boolean {
  return type.getProperties().some((member) => {
    const [declaration] = member.declarations ?? []
    return (
      declaration !== undefined &&
      ts.isMethodSignature(declaration) &&
      checker.getTypeOfSymbol(member).getCallSignatures().length > 0
    )
  })
}

/** The paths of all options of an interface, with those of nested objects, arrays and records. */
function optionPaths(file: string, name: string): readonly string[] {
  const { options } = ts.parseJsonConfigFileContent({}, ts.sys, dirname(file))
  const program = ts.createProgram([file], {
    ...options,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
  })
  const checker = program.getTypeChecker()
  const declaration = program
    .getSourceFile(file)
    ?.statements.find((one) => ts.isInterfaceDeclaration(one) && one.name.text === name)
  if (declaration === undefined) throw new Error(`There is no interface ${name} in ${file}.`)
  const paths: string[] = []
  const visit = (type: ts.Type, path: string): void => {
    if (type.isUnion()) {
      for (const one of type.types) visit(one, path)
    } else if ((type.flags & ts.TypeFlags.Object) !== 0 && type.getCallSignatures().length === 0) {
      const item =
        checker.getIndexTypeOfType(type, ts.IndexKind.Number) ??
        checker.getIndexTypeOfType(type, ts.IndexKind.String)
      if (item !== undefined) visit(item, `${path}.*`)
      else if (!isService(type, checker)) list(type, path)
    }
  }
  const list = (type: ts.Type, path: string): void => {
    for (const member of type.getProperties()) {
      const own = path === '' ? member.name : `${path}.${member.name}`
      paths.push(own)
      visit(checker.getTypeOfSymbol(member), own)
    }
  }
  list(checker.getTypeAtLocation(declaration), '')
  return [...new Set(paths)]
}

it(`SluiceOptions has at most ${MAX_OPTIONS} members, with those of nested objects`, () => {
  const paths = optionPaths(join(import.meta.dirname, '../../src/sluice/options.ts'), 'SluiceOptions')
  expect(paths).toContain('cache.models.*.ttl')
  expect(paths).toContain('detection.ignore.*.table')
  expect(paths.length, paths.join('\n')).toBeLessThanOrEqual(MAX_OPTIONS)
}, 60_000)
