<?php

/**
 * What all pages share: they are the administrator's, and each change is a POST with a token.
 */
abstract class Modules_Nsbridge_Controller extends pm_Controller_Action
{
    protected $_accessLevel = 'admin';

    public function init()
    {
        parent::init();
        if (!pm_Session::getClient()->isAdmin()) {
            throw new pm_Exception('Permission denied');
        }
        if ($this->getRequest()->isPost()) {
            $token = $this->getRequest()->getPost('token');
            if (!is_string($token) || !hash_equals(Modules_Nsbridge_Token::get(), $token)) {
                throw new pm_Exception('Permission denied');
            }
        }
        $this->view->pageTitle = $this->lmsg('title');
        $this->view->tabs = [];
        foreach (['settings', 'status', 'zones'] as $page) {
            $tab = ['title' => $this->lmsg("{$page}Title"), 'controller' => $page, 'action' => 'index'];
            $this->view->tabs[] = $tab + ['active' => $this->getRequest()->getControllerName() === $page];
        }
    }

    /**
     * Refuses a change that is no POST.
     */
    protected function needPost(): void
    {
        if (!$this->getRequest()->isPost()) {
            throw new pm_Exception('Permission denied');
        }
    }

    /**
     * Returns a text of the request, never an array.
     */
    protected function text(string $name): string
    {
        $value = $this->getRequest()->getParam($name, '');
        return is_string($value) ? $value : '';
    }

    /**
     * Does something and reports what fails. Returns what it returned, or null.
     */
    protected function attempt(callable $do)
    {
        try {
            return $do();
        } catch (pm_Exception $error) {
            $this->_status->addError($error->getMessage());
            return null;
        }
    }

    /**
     * Shows what a command printed: one message for each result.
     */
    protected function report(array $document): void
    {
        foreach ($document['messages'] as $message) {
            $line = Modules_Nsbridge_Words::message($message);
            if (($message['severity'] ?? '') === 'error') {
                $this->_status->addError($line);
            } else {
                $this->_status->addWarning($line);
            }
        }
        foreach ($document['results'] as $result) {
            if (($result['result'] ?? 'failed') !== 'failed') {
                $this->_status->addInfo("{$result['subject']} {$result['result']}");
            }
        }
    }
}
