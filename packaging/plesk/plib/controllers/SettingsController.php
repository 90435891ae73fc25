<?php

class SettingsController extends Modules_Nsbridge_Controller
{
    public function indexAction()
    {
        $form = $this->attempt(static function () {
            return new Modules_Nsbridge_Form_Settings();
        });
        if ($form && $this->getRequest()->isPost() && $form->isValid($this->getRequest()->getPost())) {
            $this->_status->addInfo($this->lmsg('saved'));
            $this->_helper->json(['redirect' => pm_Context::getActionUrl('settings', 'index')]);
        }
        $this->view->form = $form;
        $this->showSlot();
    }

    /**
     * Tries each step of a delivery, with a zone that is created and deleted if nsbridge creates zones.
     */
    public function testAction()
    {
        $this->needPost();
        $this->view->form = $this->attempt(static function () {
            return new Modules_Nsbridge_Form_Settings();
        });
        $checked = $this->attempt(static function () {
            $settings = Modules_Nsbridge_Configuration::read();
            $arguments = $settings['method'] === 'none' ? ['check'] : ['check', '--create'];
            return Modules_Nsbridge_Program::ask($arguments);
        });
        $this->view->checked = $checked;
        $this->showSlot();
        $this->_helper->viewRenderer->setScriptAction('index');
    }

    public function takeAction()
    {
        $this->needPost();
        $this->changeSlot(function () {
            Modules_Nsbridge_Slot::take($this->text('holder'));
        });
    }

    public function giveBackAction()
    {
        $this->needPost();
        $this->changeSlot(static function () {
            Modules_Nsbridge_Slot::giveBack();
        });
    }

    public function passOnAction()
    {
        $this->needPost();
        $this->changeSlot(function () {
            Modules_Nsbridge_Slot::setPassesOn($this->text('passOn') === 'yes');
        });
    }

    private function changeSlot(callable $change): void
    {
        $this->attempt($change);
        $this->_redirect('settings/index');
    }

    private function showSlot(): void
    {
        $this->attempt([Modules_Nsbridge_Program::class, 'path']);
        $this->view->isConfigured = Modules_Nsbridge_Configuration::exists();
        $this->view->token = Modules_Nsbridge_Token::get();
        $this->view->slot = $this->attempt(static function () {
            return [
                'holder' => Modules_Nsbridge_Slot::holder(),
                'isOurs' => Modules_Nsbridge_Slot::isOurs(),
                'previous' => Modules_Nsbridge_Slot::previous(),
                'passesOn' => Modules_Nsbridge_Slot::passesOn(),
            ];
        });
    }
}
