module.exports = { setupFilesAfterEnv: ['sluice/jest'], testMatch: ['**/*.jest.cjs'], transform: {} }
