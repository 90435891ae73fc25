<?php

class IndexController extends Modules_Nsbridge_Controller
{
    public function indexAction()
    {
        $this->_redirect(Modules_Nsbridge_Configuration::exists() ? 'status/index' : 'settings/index');
    }
}
