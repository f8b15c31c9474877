/** Jest module maps that put another Nest major, installed under an npm alias, in the place of the default one. */
export const nestMajors = {
  11: {
    '^@nestjs/(common|core|testing|platform-express|platform-fastify)$': '<rootDir>/node_modules/@nestjs/$1-11',
    '^@nestjs/(common|core|testing|platform-express|platform-fastify)/(.*)$': '<rootDir>/node_modules/@nestjs/$1-11/$2',
  },
};
