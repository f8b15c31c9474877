import { expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuthorizationGuard, CurrentUser, Roles, type Claims } from 'nest-oidc';

@Controller('orders')
class OrdersController {
  @Roles('clerk')
  @Get()
  list(@CurrentUser() user: Claims) {
    return `orders of ${user.sub}`;
  }
}

it('lists the orders of the user', async () => {
  const module = await Test.createTestingModule({ controllers: [OrdersController] })
    .overrideGuard(AuthorizationGuard)
    .useValue({ canActivate: () => true })
    .compile();
  const alice = { iss: 'https://login.example.com', sub: 'alice' };
  expect(module.get(OrdersController).list(alice)).toBe('orders of alice');
});
