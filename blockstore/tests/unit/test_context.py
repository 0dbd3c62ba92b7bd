"""The request context: rights, copies, and what crosses RPC."""

from oslo_context import context as oslo_context
from oslotest import base

from blockstore import context


class ContextTest(base.BaseTestCase):

    def test_admin_comes_from_the_role(self) -> None:
        self.assertTrue(context.RequestContext(roles=['admin']).is_admin)
        self.assertFalse(context.RequestContext(roles=['member']).is_admin)

    def test_policy_may_decide_otherwise(self) -> None:
        ctxt = context.RequestContext(roles=['admin'], is_admin=False)
        self.assertFalse(ctxt.is_admin)

    def test_crosses_rpc_whole(self) -> None:
        ctxt = context.RequestContext(
            user_id='u', project_id='p', roles=['member'],
            service_roles=['service'], user_name='Ursula',
            global_request_id='req-g')
        again = context.RequestContext.from_dict(ctxt.to_dict())
        for name in ('user_id', 'project_id', 'roles', 'service_roles',
                     'is_admin', 'request_id', 'global_request_id',
                     'user_name'):
            self.assertEqual(getattr(ctxt, name), getattr(again, name), name)

    def test_tokens_stay_here(self) -> None:
        ctxt = context.RequestContext(user_id='u', auth_token='hush',
                                      service_token='hush')
        self.assertNotIn('hush', str(ctxt.to_dict()))

    def test_elevated_is_a_copy(self) -> None:
        ctxt = context.RequestContext(user_id='u', project_id='p',
                                      roles=['member'])
        raised = ctxt.elevated()
        self.assertTrue(raised.is_admin)
        self.assertEqual(['member', 'admin'], raised.roles)
        self.assertEqual(ctxt.request_id, raised.request_id)
        self.assertFalse(ctxt.is_admin)
        self.assertEqual(['member'], ctxt.roles)
        self.assertIs(ctxt, oslo_context.get_current())

    def test_for_service_goes_on_under_the_request(self) -> None:
        ctxt = context.for_service('p', 'u', 'req-1')
        self.assertTrue(ctxt.is_admin)
        self.assertEqual(('p', 'u', 'req-1'),
                         (ctxt.project_id, ctxt.user_id, ctxt.request_id))
